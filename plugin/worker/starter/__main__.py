"""Train the starter model: ``make starter DATA=FOLDER``; the folder's places are named in ``places``.

The same data, machine and seed give the same weights. Every epoch leaves a checkpoint: a training that was broken off
goes on when it is started again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from pickle import UnpicklingError  # nosec B403 # only the error is named, nothing is unpickled
from typing import Any

import numpy as np
import torch

from ...core.atomic_file import replacing
from ...core.card import Card
from ...core.errors import RunError, TunerError
from ...core.output_files import require_free
from ..models.networks import load_network, save_network
from ..runtime.device import choose_device
from ..training.learner import Learner, Plan
from .card import make_card
from .crops import CropMaker
from .places import read_places

SEED = 20191
EPOCHS = 40
STEPS = 50
AVERAGING = 0.998
ENCODER_SHARE = 0.5
WEIGHT_DECAY = 1e-3


def main(arguments: list[str]) -> int:
    """Train, and write weights and card; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m plugin.worker.starter", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the open places")
    parser.add_argument("--out", type=Path, required=True, help="the folder for starter.safetensors and starter.json")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--steps", type=int, default=STEPS, help="batches an epoch")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--overwrite", action="store_true", help="replace a starter that is there")
    options = parser.parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in ("starter.json", make_card().weights):
            require_free(options.out / name, [], may_replace=options.overwrite)
        train_starter(options.data, options.out, options.epochs, options.steps, options.device)
    except TunerError as error:
        print(error.message, error.hint, sep="\n", file=sys.stderr)
        return 1
    return 0


def train_starter(data: Path, out: Path, epochs: int, steps: int, device_wish: str) -> Card:
    """Train the starter model on the open places, write it, and return its card; raises TunerError."""
    card = make_card()
    places = read_places(data, card)
    buildings = sum(len(place.buildings) for place in places)
    print(f"{len(places)} pieces of imagery with {buildings} buildings; {epochs} epochs of {steps} batches", flush=True)
    rate, batch_size = card.recipe.learning_rate, card.recipe.batch_size
    plan = Plan(epochs, steps, batch_size, rate, WEIGHT_DECAY, SEED, ENCODER_SHARE, AVERAGING)
    torch.manual_seed(SEED)
    learner = Learner(load_network(make_card(is_trained=False)), choose_device(device_wish), plan)
    _learn(learner, CropMaker(places, card), out / "starter.checkpoint.pt")
    weights = out / card.weights
    card = make_card(sha256=save_network(learner.averaged, weights, is_half=True))
    card.save(out / "starter.json")
    (out / "starter.checkpoint.pt").unlink(missing_ok=True)
    print(f"{weights}: {weights.stat().st_size:,} bytes, SHA-256 {card.sha256}")
    return card


def _learn(learner: Learner, crops: CropMaker, checkpoint: Path) -> None:
    plan, began = learner.plan, time.monotonic()
    for epoch in range(_take_up(learner, checkpoint), plan.epochs):
        rng = np.random.default_rng([plan.seed, epoch])
        learner.network.train()
        losses = [learner.take_step([crops.draw(rng) for _ in range(plan.batch_size)]) for _ in range(plan.steps)]
        seconds = time.monotonic() - began
        print(f"Epoch {epoch + 1} of {plan.epochs}: loss {np.mean(losses):.3f}, {seconds:.0f} s", flush=True)
        with replacing(checkpoint, RuntimeError) as partial:
            torch.save({"epoch": epoch + 1, "learner": learner.state_dict()}, partial)


def _take_up(learner: Learner, checkpoint: Path) -> int:
    """Go on from the checkpoint where there is one; return how many epochs lie behind."""
    if not checkpoint.exists():
        return 0
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        learner.load_state_dict(state["learner"])
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        raise RunError(f"The checkpoint {checkpoint} cannot be used: {error}", "Delete it and start again.") from error
    return int(state["epoch"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
