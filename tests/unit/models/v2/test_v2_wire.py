"""Answers that are none, and some that only look odd."""

from __future__ import annotations

import json

import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from seewhy.errors import ModelError

BINARY = ["binary_tensor_data"]


def outputs(**changes):
    entry = {"name": "logits", "datatype": "FP32", "shape": [2, 4], "data": list(range(8))}
    entry.update(changes)
    return JSONResponse({"outputs": [{k: v for k, v in entry.items() if v is not None}]})


def as_bytes(rest, *, shape=(2, 4), length=None, datatype="FP32", size=None):
    entry = {
        "name": "logits",
        "datatype": datatype,
        "shape": shape,
        "parameters": {"binary_data_size": len(rest) if size is None else size},
    }
    head = json.dumps({"outputs": [entry]}).encode()
    length = str(len(head)) if length is None else length
    return Response(head + rest, headers={"Inference-Header-Content-Length": length})


EIGHT = np.arange(8, dtype="<f4").tobytes()


class TestNonsense:
    @pytest.mark.parametrize(
        ("response", "message"),
        [
            (HTMLResponse("<html>\nlogin\x1b[2J</html>"), r"\('200: <html> login \[2J</html>'\)"),
            (Response(b""), r"no JSON object \('200'\)"),
            (Response(b"\xff\xfe\x00"), "no JSON object"),
            (Response(b"[" * 200_000), "no JSON object"),
            (JSONResponse([1, 2]), "no JSON object"),
            (JSONResponse({}), "its answer has no outputs"),
            (JSONResponse({"outputs": {}}), "its answer has no outputs"),
            (JSONResponse({"outputs": [5]}), "does not answer as a V2 server does"),
            (JSONResponse({"outputs": [{}]}), "does not answer as a V2 server does"),
            (outputs(name="other"), "its outputs are other, without logits"),
            (outputs(shape=[2, 5]), r"8 numbers came for a shape of \[2, 5\]"),
            (outputs(shape=[-2, -4]), r"a shape of \(-2, -4\)"),
            (outputs(shape="24"), r"a shape of \('2', '4'\)"),
            (outputs(shape=None), "8 numbers came"),
            (outputs(shape=[8]), r"logits of shape \[8\] for 2 pictures"),
            (outputs(shape=[1, 8]), r"logits of shape \[1, 8\] for 2 pictures"),
            (outputs(shape=[2, 2, 2]), r"must return an array of shape \(2, k\)"),
            (outputs(shape=[2, 3], data=[0] * 6), "must return 4 columns"),
            (outputs(data=["a"] * 8), "values that are not numbers"),
            (outputs(data=[True] * 8), "values that are not numbers"),
            (outputs(data=[None] * 8), "values that are not numbers"),
            (outputs(data=[[1, 2], [3]]), "does not answer as a V2 server does"),
            (outputs(data=[10**400] * 8), "values that are not numbers"),
            (outputs(data=None), "0 numbers came"),
            (Response(b'{"outputs":[{"name":"logits","datatype":"FP32","shape":[2,4],"data":'
                      b"[NaN,0,0,0,0,0,0,0]}]}"), "returned NaN or infinity for 1 of 2 pictures"),
            (outputs(data=[1e300] * 8), "returned NaN or infinity for 2 of 2 pictures"),
            (as_bytes(EIGHT[:-1]), "does not answer as a V2 server does"),
            (as_bytes(EIGHT[:-4]), r"7 numbers came for a shape of \[2, 4\]"),
            (as_bytes(EIGHT, size=-32), "a binary_data_size of -32"),
            (as_bytes(EIGHT, size="32"), "a binary_data_size of '32'"),
            (as_bytes(EIGHT, length="9999"), "Inference-Header-Content-Length is '9999', of"),
            (as_bytes(EIGHT, length="-1"), "Inference-Header-Content-Length is '-1'"),
            (as_bytes(EIGHT, length="5"), "no JSON object"),
            (as_bytes(EIGHT, datatype="BYTES"), "is of type 'BYTES'"),
            (as_bytes(EIGHT, datatype=[]), "does not answer as a V2 server does"),
        ],
    )  # fmt: skip
    def test_is_refused_at_once(self, model, pictures, response, message):
        service, there = model(concurrency=1)
        before = service.asked
        service.always(response)
        with pytest.raises(ModelError, match=message) as caught:
            there(pictures[:2])
        assert service.asked - before == 1
        assert "\n" not in str(caught.value)

    def test_the_output_wanted_is_found_among_others(self, model, pictures):
        service, there = model(extensions=BINARY)
        outputs = [
            {"name": "boxes", "datatype": "FP32", "shape": [2, 2], "data": [9, 9, 9, 9]},
            {
                "name": "more",
                "datatype": "FP32",
                "shape": [3],
                "parameters": {"binary_data_size": 12},
            },
            {
                "name": "logits",
                "datatype": "FP32",
                "shape": [2, 4],
                "parameters": {"binary_data_size": 32},
            },
        ]
        head = json.dumps({"outputs": outputs}).encode()
        length = {"Inference-Header-Content-Length": str(len(head))}
        service.always(Response(head + 3 * b"\0\0\xc0\x7f" + EIGHT, headers=length))
        np.testing.assert_array_equal(there(pictures[:2]), np.arange(8).reshape(2, 4))

    def test_other_widths_in_one_batch(self, model, pictures):
        service, there = model(batch=1, concurrency=2)

        async def vary(service, number, body):
            k = 4 + number % 2
            return outputs(shape=[1, k], data=[0] * k)

        service.trouble = vary
        with pytest.raises(ModelError, match=r"returns now \(\d,\) and now \(\d,\) numbers"):
            there(pictures)

    @pytest.mark.parametrize(
        ("response", "wanted"),
        [
            (outputs(data=[[0, 1, 2, 3], [4, 5, 6, 7]]), np.arange(8)),
            (outputs(datatype="INT64"), np.arange(8)),
            (as_bytes(np.arange(8, dtype="<i2").tobytes(), datatype="INT16"), np.arange(8)),
            (as_bytes(np.arange(8, dtype="<f8").tobytes(), datatype="FP64"), np.arange(8)),
            (as_bytes((np.arange(8, dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes(),
                      datatype="BF16"), np.arange(8)),
        ],
    )  # fmt: skip
    def test_unusual_but_right(self, model, pictures, response, wanted):
        service, there = model()
        service.always(response)
        np.testing.assert_array_equal(there(pictures[:2]), wanted.reshape(2, 4))
