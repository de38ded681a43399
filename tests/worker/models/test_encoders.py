"""The list of encoders is what the locked smp and timm know, less what no decoder can stand on."""

from __future__ import annotations

import json

import pytest
import segmentation_models_pytorch as smp
import timm

from plugin.core.model_specs import ENCODERS_FILE, load_encoders, make_start
from plugin.worker.__main__ import main
from plugin.worker.models.encoders import is_usable, list_names, list_tags, survey_encoders, write_encoders
from plugin.worker.models.pretrained import locate_pretrained

FEW = ["resnet34", "mit_b2", "tu-convnext_tiny", "tu-swin_tiny_patch4_window7_224", "tu-dla34", "tu-vgg16"]


def test_every_encoder_of_smp_is_listed_and_none_that_smp_and_timm_do_not_know():
    listed = set(load_encoders())
    assert set(smp.encoders.encoders) <= listed <= set(list_names())


def test_the_list_names_hundreds_of_timms_and_of_every_family_that_can_be_used():
    listed = {name.removeprefix("tu-") for name in load_encoders() if name.startswith("tu-")}
    assert len(listed) > 700
    for family in (
        "resnet",
        "convnext",
        "swin",
        "efficientnet",
        "mobilenetv3",
        "regnet",
        "pvt_v2",
        "hrnet",
        "mambaout",
    ):
        assert any(name.startswith(family) for name in listed), family


def test_every_encoder_has_the_tags_that_smp_and_timm_publish_today():
    assert {name: list_tags(name) for name in load_encoders()} == load_encoders()


def test_a_few_of_those_listed_can_be_used_and_a_few_of_the_rest_cannot():
    """Trying all of them takes minutes; `encoders --write` does."""
    listed = [name for name in load_encoders() if name.startswith("tu-")]
    rest = sorted(set(list_names()) - set(load_encoders()))
    assert [name for name in listed[::150] if not is_usable(name)] == []
    assert [name for name in rest[::150] if is_usable(name)] == []


def test_every_published_weights_address_is_known_and_secure():
    for name, tags in load_encoders().items():
        for tag in tags:
            address, file = locate_pretrained(make_start(f"unet:{name}:{tag}"))
            assert address.startswith("https://")
            assert address.endswith(f"/{file}")


def test_a_survey_of_a_few_is_what_the_list_says_of_them(tmp_path):
    told = []
    found = survey_encoders(told.append, [*FEW, "tu-vit_tiny_patch16_224", "tu-maxvit_tiny_tf_512"])
    assert found == {name: load_encoders()[name] for name in FEW}
    assert len(told) == 2
    write_encoders(found, tmp_path / "encoders.json")
    assert json.loads((tmp_path / "encoders.json").read_text("utf-8")) == found


def test_the_list_holds_an_encoder_a_line_in_order(tmp_path):
    write_encoders(load_encoders(), tmp_path / "encoders.json")
    assert (tmp_path / "encoders.json").read_bytes() == ENCODERS_FILE.read_bytes().replace(b"\r\n", b"\n")


def test_the_usual_weights_come_first():
    assert load_encoders()["tu-convnext_tiny"][0] == timm.get_pretrained_cfg("convnext_tiny").tag
    assert load_encoders()["resnet34"][0] == "imagenet"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_command_lists_them(options, capsys):
    assert main(["encoders", *options]) == 0
    printed = capsys.readouterr().out
    assert "resnet34" in printed
    if options:
        assert json.loads(printed) == load_encoders()
