"""Class names: found as people write them, refused with a hint."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.models.labels import (
    check_labels,
    class_labels,
    find_class,
    imagenet_aliases,
    imagenet_labels,
    numbered_labels,
    read_labels,
)

LABELS = [
    "tench, Tinca tinca",
    "crane",
    "great white shark, white shark",
    "crane, machine",
    "Cardigan",
    "cardigan",
    "12",
]


class TestFindClass:
    @pytest.mark.parametrize(
        ("name", "index"),
        [
            ("tench", 0),
            ("TINCA tinca", 0),
            ("  white   shark ", 2),
            ("tench, tinca tinca", 0),
            ("crane, machine", 3),
            ("cardigan", 5),
            ("Cardigan", 4),
            ("3", 3),
            (3, 3),
            (np.int64(3), 3),
            ("12", 6),
            ("minnow", 0),
        ],
    )
    def test_found(self, name, index):
        assert find_class(name, LABELS, {"Minnow": 0}) == index

    def test_a_whole_label_is_surer_than_a_synonym(self):
        assert find_class("crane", LABELS) == 1

    @pytest.mark.parametrize(
        ("name", "labels", "indices"),
        [
            ("crane", ["crane, bird", "x", "crane, machine"], "0 .* 2"),
            ("CARDIGAN", LABELS, "4 .* 5"),
            ("crane", ["crane (bird)", "crane (machine)"], "0 .* 1"),
            ("maillot", ["maillot", "maillot"], "0 .* 1"),
        ],
    )
    def test_ambiguous_names_list_their_indices(self, name, labels, indices):
        with pytest.raises(InputError, match=f"'{name}' is ambiguous.*{indices}"):
            find_class(name, labels)

    @pytest.mark.parametrize("index", [7, -1, "7", 1000])
    def test_index_out_of_range(self, index):
        with pytest.raises(InputError, match="7 classes, 0 to 6; got class"):
            find_class(index, LABELS)

    def test_unknown_names_get_near_ones(self):
        with pytest.raises(InputError, match="'tensh'; did you mean 'tench'"):
            find_class("tensh", LABELS)
        with pytest.raises(InputError, match=r"none of the model's 7 classes is called 'qqq'\.$"):
            find_class("qqq", LABELS)

    def test_aliases_beyond_the_classes_are_not_found(self):
        with pytest.raises(InputError, match="none of the model's 7 classes"):
            find_class("far", LABELS, {"far": 400})


class TestImageNet:
    def test_the_usual_thousand(self):
        labels = imagenet_labels()
        assert len(labels) == len(set(labels)) == 1000
        assert (labels[0], labels[779], labels[967]) == ("tench", "school bus", "espresso")

    @pytest.mark.parametrize(
        ("name", "index"),
        [("beach wagon", 436), ("station wagon", 436), ("Cardigan", 264), ("cardigan", 474)],
    )
    def test_torchvisions_spelling_is_known(self, name, index):
        assert find_class(name, imagenet_labels(), imagenet_aliases()) == index

    @pytest.mark.parametrize(
        ("name", "index"), [("tiger_cat", 282), ("Egyptian_cat", 285), ("passenger_car", 705)]
    )
    def test_kerass_spelling_is_known(self, name, index):
        assert find_class(name, imagenet_labels(), imagenet_aliases()) == index

    def test_a_crane_is_a_bird_and_a_machine(self):
        with pytest.raises(InputError, match=r"134 .*517"):
            find_class("crane", imagenet_labels(), imagenet_aliases())

    def test_every_name_of_torchvision_leads_to_its_class(self):
        pytest.importorskip("torch")
        from seewhy.models.torchvision_models import import_torchvision

        import_torchvision()
        categories = pytest.importorskip("torchvision.models._meta")._IMAGENET_CATEGORIES
        wrong = [
            name
            for index, name in enumerate(categories)
            if name != "crane" and find_class(name, imagenet_labels(), imagenet_aliases()) != index
        ]
        assert wrong == []


class TestReadLabels:
    @pytest.mark.parametrize(
        ("file", "content"),
        [
            ("labels.json", '["cat", "dog"]'),
            ("labels.json", '{"1": "dog", "0": "cat"}'),
            ("labels.txt", "cat\ndog\n"),
            ("labels.txt", "\ufeffcat\r\n\r\n dog "),
            ("labels.txt", '["cat", "dog"]'),
        ],
    )
    def test_three_forms(self, tmp_path, file, content):
        (tmp_path / file).write_text(content, encoding="utf-8")
        assert read_labels(tmp_path / file) == ("cat", "dog")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('{"0": "cat", "2": "dog"}', "keys 0 to 1"),
            ('{"zero": "cat"}', "keys 0 to 0"),
            ("[1, 2]", "JSON list of names"),
            ('"cat"', "JSON list of names"),
            ("[", "is not JSON"),
            ("[]", "names no class"),
        ],
    )
    def test_mistakes_are_named(self, tmp_path, content, message):
        (tmp_path / "labels.json").write_text(content)
        with pytest.raises(InputError, match=f"labels.json.*{message}"):
            read_labels(tmp_path / "labels.json")

    def test_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match=r"cannot read the labels file .*none\.txt"):
            read_labels(tmp_path / "none.txt")

    def test_not_text(self, tmp_path):
        (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00\x80")
        with pytest.raises(InputError, match="cannot read the labels file"):
            read_labels(tmp_path / "labels.txt")


class TestFit:
    def test_counts_must_agree(self):
        assert check_labels(["a", "b"], 2, name="m") == ("a", "b")
        assert check_labels(["no", "yes"], 1, name="m") == ("no", "yes")
        with pytest.raises(ModelError, match="m has 3 outputs but 2 labels"):
            check_labels(["a", "b"], 3, name="m")

    def test_one_raw_output_is_no_two_classes(self):
        with pytest.raises(ModelError, match="1 outputs but 2 labels"):
            check_labels(["a", "b"], 1, name="net", output="raw")

    def test_numbers_become_names(self):
        assert check_labels(np.array([3, 5]), 2, name="net") == ("3", "5")

    @pytest.mark.parametrize("labels", ["ab", 5])
    def test_a_text_is_no_sequence_of_names(self, labels):
        with pytest.raises(InputError, match="must be a sequence of names"):
            check_labels(labels, 2, name="net")

    def test_a_single_output_is_two_classes(self):
        assert class_labels(["ill"], "probabilities") == ("not ill", "ill")
        assert class_labels(["age"], "raw") == ("age",)
        assert class_labels(["a", "b"], "logits") == ("a", "b")

    def test_numbers(self):
        assert json.dumps(numbered_labels(2)) == '["class 0", "class 1"]'
