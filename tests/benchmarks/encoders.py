"""``make bench ARGS=encoders``: one step of learning with decoders over encoders of many families, as a table."""

from __future__ import annotations

import math
import platform
import time

import torch
from torch import nn

from plugin.core.card import OUTPUTS, Card, Recipe
from plugin.worker.models.build import build_network
from plugin.worker.runtime.device import choose_device
from plugin.worker.training.learner import Learner, Plan
from plugin.worker.training.sampler import Sample

#: Decoder, encoder, bands: every decoder at least twice, families of smp and of timm, 1 to 12 bands.
TRIED = (
    ("unet", "resnet34", 3),
    ("unet", "vgg16", 3),
    ("unet", "tu-swin_tiny_patch4_window7_224", 3),
    ("unet", "tu-tf_efficientnet_lite0", 1),
    ("unetplusplus", "resnet18", 4),
    ("unetplusplus", "tu-mobilenetv3_small_100", 3),
    ("unetplusplus", "densenet121", 3),
    ("fpn", "efficientnet-b0", 8),
    ("fpn", "tu-convnext_tiny", 3),
    ("fpn", "se_resnet50", 3),
    ("deeplabv3plus", "mobilenet_v2", 3),
    ("deeplabv3plus", "tu-regnety_004", 12),
    ("deeplabv3plus", "resnext50_32x4d", 3),
    ("segformer", "mit_b0", 3),
    ("segformer", "tu-pvt_v2_b0", 4),
    ("segformer", "tu-hrnet_w18_small", 3),
    ("upernet", "tu-convnextv2_atto", 12),
    ("upernet", "mobileone_s0", 3),
    ("upernet", "tu-fastvit_t8", 1),
    ("upernet", "tu-efficientvit_b0", 3),
    ("xdxd_unet", "vgg16", 3),
    ("selimsef_unet", "resnet34", 4),
    ("selimsef_unet", "densenet121", 4),
    ("selimsef_unet", "densenet161", 4),
)
SIDE_PX = 128
BATCH_SIZE = 2


def make_samples(bands: int) -> list[Sample]:
    """Return crops of noise in which bright is building."""
    values = torch.randn(BATCH_SIZE, bands, SIDE_PX, SIDE_PX)
    truth = (values.mean(dim=1, keepdim=True) > 0).float().expand(-1, len(OUTPUTS), -1, -1)
    return [Sample(*pair, torch.ones(1, SIDE_PX, SIDE_PX)) for pair in zip(values, truth, strict=True)]


def is_finite(network: nn.Module) -> bool:
    """Tell whether most parameters were given a gradient, and none that is not a number."""
    gradients = [each.grad for each in network.parameters()]
    given = [gradient for gradient in gradients if gradient is not None]
    return 2 * len(given) > len(gradients) and all(bool(torch.isfinite(gradient).all()) for gradient in given)


def try_one(decoder: str, encoder: str, bands: int, device: torch.device) -> str:
    """Take one step and return its row of the table; fails where the loss or a gradient is not finite."""
    torch.manual_seed(7)
    names = tuple(f"band {number}" for number in range(1, bands + 1))
    recipe = Recipe(learning_rate=1e-4, tile_px=SIDE_PX, batch_size=BATCH_SIZE)
    card = Card("tried", "Tried", "", encoder, "none", recipe, architecture=decoder, bands=names, outputs=OUTPUTS)
    plan = Plan(epochs=1, steps=1, batch_size=BATCH_SIZE, learning_rate=1e-4, weight_decay=1e-4, seed=7)
    learner, samples = Learner(build_network(card), device, plan), make_samples(bands)
    began = time.perf_counter()
    loss = learner.take_step(samples)
    seconds = time.perf_counter() - began
    finite = is_finite(learner.network)
    if not (finite and math.isfinite(loss)):
        raise SystemExit(f"{decoder} over {encoder}: loss {loss}, gradient finite: {finite}")
    millions = sum(each.numel() for each in learner.network.parameters()) / 1e6
    return f"| {decoder} | {encoder} | {bands} | {millions:.1f} | {loss:.3f} | yes | {seconds:.1f} |"


def main(arguments: list[str]) -> None:
    """Print the table; ``arguments`` may name decoders to try only those."""
    device = choose_device("auto")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()} CPU"
    print(
        f"One step, batches of {BATCH_SIZE} crops of {SIDE_PX} px, random weights, three outputs; {name}, "
        f"{torch.get_num_threads()} threads.\n"
    )
    print("| decoder | encoder | bands | parameters (M) | loss | gradient finite | seconds |")
    print("|---|---|---|---|---|---|---|")
    for row in TRIED:
        if not arguments or row[0] in arguments:
            print(try_one(*row, device), flush=True)
