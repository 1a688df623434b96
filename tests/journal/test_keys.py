from hypothesis import given
from hypothesis import strategies as st

from framefleet.journal.look import piece_key
from framefleet.schema.document import Crop

IDENTITY = {"model": None, "crop": Crop(0, 0, 8, 8), "conf": 0.15}


def test_the_same_work_has_the_same_key_whatever_the_order_of_its_settings() -> None:
    turned = dict(reversed(IDENTITY.items()))
    assert piece_key("ab", "runpod x", "picture 1/2", IDENTITY) == piece_key("ab", "runpod x", "picture 1/2", turned)


@given(st.sampled_from(["source", "endpoint", "name", "identity"]))
def test_whatever_decides_an_answer_is_in_the_key(changed: str) -> None:
    parts = {"source": "ab", "endpoint": "runpod x", "name": "picture 1/2", "identity": IDENTITY}
    other = parts | {changed: "other" if changed != "identity" else IDENTITY | {"conf": 0.2}}

    def key(of: dict) -> str:
        return piece_key(of["source"], of["endpoint"], of["name"], of["identity"])

    assert key(parts) != key(other)
