"""Methods by name, as the command line and documents spell them."""

from __future__ import annotations

import pytest

import seewhy as sw
from seewhy.errors import InputError, SpecError
from seewhy.methods.registry import METHOD_NAMES, method_class, method_key, parse_methods


@pytest.mark.parametrize("name", METHOD_NAMES)
def test_every_name_leads_to_a_method_of_that_name_and_back(name):
    method = method_class(name)()
    assert method.name == name
    assert method_key(method) == name
    assert getattr(sw, type(method).__name__) is type(method)
    if name not in ("anchors", "counterfactual"):  # they name superpixels, without values
        assert method.reading in ("hiding", "showing", "share", "weight")


def test_names_are_separated_by_commas():
    assert parse_methods(" lime, Kernel-SHAP ,") == (sw.Lime(), sw.KernelShap())


def test_settings_follow_colons():
    found = parse_methods("lime:design=random:kernel-width=0.5,kernel-shap:budget=512:name=k")
    assert found == (
        sw.Lime(design="random", kernel_width=0.5),
        sw.KernelShap(budget=512, name="k"),
    )


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("lyme", SpecError, "method must be one of lime, kernel-shap.*got 'lyme'; did you mean"),
        ("lime:bugdet=9", SpecError, "settings of lime must be one of budget.*did you mean 'budg"),
        ("lime:budget", SpecError, "as in lime:budget=…; got 'budget'"),
        ("lime:budget=many", InputError, "budget must be 'auto' or a whole number.*got 'many'"),
        ("lime:kernel-width=wide", InputError, "wide"),
    ],
)
def test_what_nobody_knows_is_refused_in_a_sentence(spec, kind, message):
    with pytest.raises(kind, match=message):
        parse_methods(spec)
