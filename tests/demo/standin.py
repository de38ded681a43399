"""Weights by the golden rule, standing in for real ones that cannot be had. Run by the worker's Python.

``python -m tests.demo.standin NAME FILE`` writes a state dict as its publisher would.
"""

import sys

import torch

from plugin.core.models import find_card
from plugin.worker.models.build import build_network
from plugin.worker.models.weights import list_aliases
from tests.worker.golden_weights import fill_weights


def main(name, path):
    """Fill the model's tensors and save them."""
    network = build_network(find_card(name))
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    filled = fill_weights(shapes, list_aliases(network))
    network.load_state_dict(filled)  # what is one tensor under two names is saved once
    torch.save(network.state_dict(), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
