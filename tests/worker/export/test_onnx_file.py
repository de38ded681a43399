"""A model goes out as ONNX: what the file says is what torch says, and what Deepness reads of it is true."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from plugin.core.card import Seeds
from plugin.core.errors import InputError, RunError
from plugin.core.json_codec import encode
from plugin.core.models import find_card
from plugin.worker.export import onnx_file
from plugin.worker.export.deepness import describe_for_deepness, fold_normalisation
from plugin.worker.export.onnx_file import CARD_KEY, IR_VERSION, LARGEST_DIFFERENCE, OPSET, export_onnx, make_probe
from plugin.worker.export.pooling import FixedPool, fix_pools
from plugin.worker.models.networks import build_network, load_network, normalise, save_network

SIDE = 64
ALL = ("footprint", "boundary", "contact")


class Deepness:
    """Reads an exported file as the documentation of the plugin Deepness says that it does.

    One input (batch, channels, side, side) of bytes / 255, less the mean, by the std; every value of the metadata is
    JSON; classes are counted from 0; what is below the threshold counts as 0, and the largest class wins.
    """

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (self.input,), (self.output,) = self.session.get_inputs(), self.session.get_outputs()
        told = self.session.get_modelmeta().custom_metadata_map
        self.metadata = {key: json.loads(value) for key, value in told.items()}
        assert isinstance(self.input.shape[0], str)
        assert self.input.shape[2] == self.input.shape[3] == self.metadata["tiles_size"]
        assert self.output.shape[2] == self.output.shape[3]
        names = sorted(self.metadata["class_names"].items(), key=lambda item: int(item[0]))
        assert [int(number) for number, _ in names] == list(range(self.output.shape[1]))
        self.names = [name for _, name in names]

    def ask(self, tiles):
        """Return the classes' values (n, classes, side, side) of tiles (n, side, side, channels)."""
        parts = ("standardization_mean", "standardization_std")
        mean, std = (np.array([float(value) for value in self.metadata[part]], "float32") for part in parts)
        values = (np.float32(tiles * 1.0 / 255.0) - mean) / std
        return self.session.run(None, {self.input.name: np.transpose(values, (0, 3, 1, 2))})[0]

    def segment(self, tiles):
        """Return the class of each pixel."""
        said = self.ask(tiles)
        said[said < float(self.metadata["seg_thresh"])] = 0
        return said.argmax(axis=1)


def spread_logits(network, bands):
    """Let a network with random weights say something else here and there: logits around 0, of 3 on either side."""
    blocks = np.kron(np.random.default_rng(7).uniform(-2, 2.5, (4, bands, 8, 8)), np.ones((8, 8))).astype("float32")
    head = network.segmentation_head[0]
    with torch.no_grad():
        head.bias.zero_()
        logits = network(torch.from_numpy(blocks))[:, 0]
        head.weight *= 3 / logits.std()
        head.bias -= 3 * logits.mean() / logits.std()


@pytest.fixture(scope="session")
def make_model(tmp_path_factory):
    """Return a function that makes a small model whose probabilities reach far to both sides, and gives its card."""

    def make(**fields):
        folder = tmp_path_factory.mktemp("tuned")
        recipe = replace(find_card("starter").recipe, tile_px=SIDE)
        base = replace(find_card("starter"), name="town", title="Tuned on a town", recipe=recipe, sha256="", parent="b")
        card = replace(base, architecture="fpn", encoder="tu-mobilenetv3_small_050", folder=str(folder), **fields)
        torch.manual_seed(11)
        network = build_network(card)
        spread_logits(network.eval(), len(card.bands))
        sha256 = save_network(network, folder / "model.safetensors", is_half=True)
        return replace(card, weights="model.safetensors", sha256=sha256)

    return make


@pytest.fixture(scope="session")
def tuned(make_model):
    """A model with three outputs that was adapted to a raster of pale, narrow values."""
    return make_model(
        outputs=ALL,
        seeds=Seeds(),
        threshold=0.3,
        mean=(0.4, 0.45, 0.5),
        std=(0.2, 0.25, 0.3),
        stretch=((20.0, 180.0), (30.0, 200.0), (10.0, 240.0)),
    )


def paint(count, bands, side=SIDE, high=256):
    """Return tiles (count, side, side, bands) with blocks and grain."""
    rng = np.random.default_rng(3)
    blocks = np.kron(rng.integers(0, high, (count, 8, 8, bands)), np.ones((1, side // 8, side // 8, 1)))
    return np.clip(blocks + rng.integers(-20, 20, blocks.shape), 0, high - 1).astype(
        "uint8" if high == 256 else "int32"
    )


def tell(card, tiles):
    """Return torch's probability of a footprint, by the words of the card: an oracle that folds nothing."""
    low, high = (np.array(ends, "float64") for ends in zip(*card.stretch, strict=True))
    shares = (tiles - low) / (high - low)
    if card.adaptation == "stretch":
        shares = np.clip(shares, 0, 1)
    values = (shares - np.array(card.mean)) / np.array(card.std)
    network = load_network(card).eval()
    with torch.inference_mode():
        logits = network(torch.from_numpy(np.transpose(values, (0, 3, 1, 2)).astype("float32")))
    return logits[:, 0].sigmoid().numpy()


def test_the_starter_says_the_same_as_onnx_as_in_torch(tmp_path):
    card = find_card("starter")
    exported = export_onnx(card, tmp_path / "starter.onnx", 128)
    assert 0 < exported.difference <= LARGEST_DIFFERENCE
    reader = Deepness(exported.path)
    assert (reader.input.shape[1:], reader.output.shape[1:]) == ([3, 128, 128], [2, 128, 128])
    assert reader.names == ["background", "building"]
    tiles = paint(2, 3, 128)
    plain = replace(card, stretch=((0.0, 255.0),) * 3)
    assert np.abs(reader.ask(tiles)[:, 1] - tell(plain, tiles)).max() <= LARGEST_DIFFERENCE


def test_what_is_told_of_the_starter_is_what_its_card_says(tmp_path):
    told = Deepness(export_onnx(find_card("starter"), tmp_path / "starter.onnx", 128).path).metadata
    assert told["model_type"] == "Segmentor"
    assert told["resolution"] == 25.0
    assert told["tiles_size"] == told["tile_size"] == 128
    assert 0 < told["tiles_overlap"] < 100
    assert told["standardization_mean"] == told["standardization_std"] == [0.5, 0.5, 0.5]
    assert told["seg_thresh"] == 0.4
    assert told["seg_small_segment"] == 7  # 5 square metres are a square of 8.9 pixels a side
    assert told[CARD_KEY]["seeds"] == {
        "threshold": 0.5,
        "boundary_share": 0.25,
        "contact_share": 1.0,
        "min_area_m2": 2.0,
    }
    assert "folder" not in told[CARD_KEY]


@pytest.mark.parametrize("count", [1, 4])
def test_a_tuned_models_stretch_is_in_what_deepness_applies_for_any_number_of_tiles(tuned, tmp_path, count):
    reader = Deepness(export_onnx(tuned, tmp_path / "tuned.onnx").path)
    tiles = paint(count, 3)
    truth = tell(tuned, tiles)
    assert truth.min() < 0.2
    assert truth.max() > 0.8
    assert np.abs(reader.ask(tiles)[:, 1] - truth).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.8])
def test_the_largest_class_is_building_from_the_cards_threshold_on(tuned, tmp_path, threshold):
    card = replace(tuned, threshold=threshold)
    reader, tiles = Deepness(export_onnx(card, tmp_path / "tuned.onnx").path), paint(2, 3)
    truth = tell(card, tiles)
    is_sure = np.abs(truth - threshold) > LARGEST_DIFFERENCE
    assert 0 < (truth >= threshold).mean() < 1
    assert (reader.segment(tiles) == (truth >= threshold))[is_sure].all()
    assert (reader.ask(tiles).argmax(axis=1) == (truth >= threshold))[is_sure].all()
    assert reader.ask(tiles).min() >= 0
    assert reader.ask(tiles).max() <= 1


def test_five_bands_and_one_output_go_out_as_well(make_model, tmp_path):
    bands = ("coastal", "blue", "green", "red", "nir")
    stretch = tuple((100.0 + place, 2000.0 + 10 * place) for place in range(5))
    card = make_model(bands=bands, mean=(0.3,) * 5, std=(0.2,) * 5, stretch=stretch, outputs=ALL[:1], seeds=None)
    reader = Deepness(export_onnx(card, tmp_path / "five.onnx").path)
    assert reader.input.shape[1] == 5
    tiles = paint(2, 5, high=2500)
    assert np.abs(reader.ask(tiles)[:, 1] - tell(card, tiles)).max() <= LARGEST_DIFFERENCE


def test_a_model_adapted_by_moments_is_not_clipped(make_model, tmp_path):
    stretch = ((-900.0, 15000.0), (-400.0, 18000.0), (-100.0, 17000.0))
    fields = {"mean": (0.0065, 0.0093, 0.0112), "std": (0.005, 0.005, 0.005), "value_range": (0.0, 65535.0)}
    card = make_model(adaptation="moments", stretch=stretch, outputs=ALL[:1], seeds=None, **fields)
    reader, tiles = Deepness(export_onnx(card, tmp_path / "moments.onnx").path), paint(2, 3)
    assert np.abs(reader.ask(tiles)[:, 1] - tell(card, tiles)).max() <= LARGEST_DIFFERENCE


def test_values_are_folded_as_the_card_says():
    card = replace(find_card("starter"), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), stretch=((10, 110),) * 3)
    mean, std = fold_normalisation(card)
    for value in (0.0, 37.0, 255.0):
        wanted = ((value - 10) / 100 - np.array(card.mean)) / card.std
        np.testing.assert_allclose((value / 255 - np.array(mean)) / std, wanted, rtol=1e-12, atol=1e-12)


def test_without_a_stretch_values_are_eight_bits_or_those_of_the_models_own_imagery():
    card = replace(find_card("starter"), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    assert fold_normalisation(card) == ([0.4, 0.5, 0.6], [0.2, 0.3, 0.4])
    mean, _ = fold_normalisation(replace(card, adaptation="moments", value_range=(0.0, 65535.0)))
    np.testing.assert_allclose(mean, np.array(card.mean) * 257)


def test_the_resolution_is_the_working_one_or_the_middle_of_those_seen_or_not_told():
    card = replace(find_card("starter"), working_gsd_m=None)
    assert describe_for_deepness(card, 64).resolution == 35.0
    assert "resolution" not in encode(describe_for_deepness(replace(card, gsd_m=()), 64))
    assert describe_for_deepness(replace(card, min_area_m2=0.0), 64).seg_small_segment == 0


def test_the_file_is_one_that_older_programs_read(tuned, tmp_path):
    path = export_onnx(tuned, tmp_path / "tuned.onnx").path
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(part.domain, part.version) for part in model.opset_import] == [("", OPSET)]
    assert model.ir_version <= IR_VERSION
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert onnx.TensorProto.FLOAT in kinds
    assert not kinds & {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE}
    assert [found.name for found in tmp_path.iterdir()] == ["tuned.onnx"]


def test_a_file_that_says_something_else_than_torch_is_refused_and_not_kept(tuned, tmp_path, monkeypatch):
    told = onnx_file.describe_for_deepness(tuned, SIDE)
    folded = replace(told, standardization_mean=[value + 0.2 for value in told.standardization_mean])
    monkeypatch.setattr(onnx_file, "describe_for_deepness", lambda *_: folded)
    with pytest.raises(RunError, match="differ by up to") as caught:
        export_onnx(tuned, tmp_path / "tuned.onnx")
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


class Knot(nn.Module):
    """A network with a part that ONNX does not know."""

    def forward(self, tiles):
        return tiles[:, :1] + torch.linalg.svdvals(tiles[:, :1])[..., None]


class Rigid(nn.Module):
    """A network that takes two tiles at a time when it is traced."""

    def forward(self, tiles):
        return (tiles[:, :1] + torch.ones(tiles.shape[0], 1).numpy().sum()) * 0.1


def test_a_network_that_onnx_does_not_know_is_refused_with_a_sentence(tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "load_network", lambda _: Knot())
    with pytest.raises(RunError, match="cannot be written as ONNX"):
        export_onnx(tuned, tmp_path / "tuned.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_whose_trace_holds_for_one_number_of_tiles_only_is_refused(tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "load_network", lambda _: Rigid())
    with pytest.raises(RunError, match="differ by up to"):
        export_onnx(tuned, tmp_path / "tuned.onnx")


@pytest.mark.parametrize("side", [0, 100, 32, 4096])
def test_tiles_that_do_not_fit_are_refused(tuned, tmp_path, side):
    with pytest.raises(InputError, match="do not fit"):
        export_onnx(tuned, tmp_path / "tuned.onnx", side)


def test_weights_that_are_not_there_are_refused(tuned, tmp_path):
    with pytest.raises(InputError, match="cannot be used"):
        export_onnx(replace(tuned, folder=str(tmp_path)), tmp_path / "tuned.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [2, 3, 6])
def test_a_pool_as_a_product_of_matrices_is_torchs_adaptive_pool(size):
    maps = torch.randn(2, 5, 8, 7)
    fixed = FixedPool(8, 7, (size, size))(maps)
    torch.testing.assert_close(fixed, nn.AdaptiveAvgPool2d(size)(maps))


def test_only_pools_to_more_than_one_mean_are_replaced():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(3), nn.AdaptiveAvgPool2d(1))
    tiles = torch.randn(1, 3, 10, 10)
    before = network(tiles)
    fix_pools(network, tiles)
    assert [type(part).__name__ for part in network] == ["Conv2d", "FixedPool", "AdaptiveAvgPool2d"]
    torch.testing.assert_close(network(tiles), before)


def test_a_pyramid_of_pools_goes_out_too(make_model, tmp_path):
    card = make_model(outputs=ALL)
    card = replace(card, architecture="upernet", encoder="tu-mobilenetv3_small_050", sha256="")
    save_network(build_network(card), card.weights_path)
    assert export_onnx(card, tmp_path / "pyramid.onnx", 128).difference <= LARGEST_DIFFERENCE


def test_the_file_is_tried_on_values_like_those_that_a_model_of_16_bits_learnt_from():
    card = find_card("selimsef_spacenet4_resnet34unet")
    raw = make_probe(replace(card, stretch=((0.0, 65535.0),) * 4), 2, 64)
    z = normalise(raw / 65535, card).numpy()
    assert -4 < z.min() < -1
    assert 1 < z.max() < 5
