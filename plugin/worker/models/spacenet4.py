"""The networks of the SpaceNet-4 models that CosmiQ Works' Solaris publishes: XD_XD's U-Net and selim_sef's.

Their state dicts have the keys of the published files, in the same order. Both take values (n, bands, height, width),
height and width multiples of 32, and return logits (n, outputs, height, width).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torchvision.models import DenseNet, densenet121, densenet161, resnet34, vgg16

#: Architecture -> the encoders that it was published with.
ARCHITECTURES = {"xdxd_unet": ("vgg16",), "selimsef_unet": ("resnet34", "densenet121", "densenet161")}


def build_spacenet4(architecture: str, encoder: str, bands: int, outputs: int) -> nn.Module:
    """Return the network with random weights; raises KeyError for an encoder that it was not published with."""
    if encoder not in ARCHITECTURES[architecture]:
        raise KeyError(f"{architecture} is known with the encoders {', '.join(ARCHITECTURES[architecture])} only")
    if architecture == "xdxd_unet":
        return XdxdUnet(bands, outputs)
    return SelimsefUnet(encoder, bands, outputs)


class XdxdUnet(nn.Module):
    """XD_XD's U-Net over VGG16. The encoder's kernels have two names each: ``encoder.N`` and ``convM.J``."""

    def __init__(self, bands: int = 3, outputs: int = 1) -> None:
        super().__init__()
        self.encoder = vgg16(weights=None).features
        self.encoder[0] = nn.Conv2d(bands, 64, 3, padding=1)
        stages = _part_at_pools(self.encoder)
        for number, stage in enumerate(stages, start=1):
            self.add_module(f"conv{number}", stage)
        self.center = _XdxdBlock(512, 512, 256)
        self.dec5 = _XdxdBlock(256 + 512, 512, 256)
        self.dec4 = _XdxdBlock(256 + 512, 512, 256)
        self.dec3 = _XdxdBlock(256 + 256, 256, 64)
        self.dec2 = _XdxdBlock(64 + 128, 128, 32)
        self.dec1 = _XdxdConvolution(32 + 64, 32)
        self.final = nn.Conv2d(32, outputs, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return logits of the input's height and width."""
        skips = []
        for stage in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            skips.append(stage(values))
            values = nn.functional.max_pool2d(skips[-1], 2)
        values = self.center(values)
        for block in (self.dec5, self.dec4, self.dec3, self.dec2, self.dec1):
            values = block(torch.cat([values, skips.pop()], dim=1))
        return self.final(values)


def _part_at_pools(layers: nn.Sequential) -> list[nn.Sequential]:
    """Return the layers between one pooling and the next, the very same modules."""
    parts: list[list[nn.Module]] = [[]]
    for layer in layers:
        if isinstance(layer, nn.MaxPool2d):
            parts.append([])
        else:
            parts[-1].append(layer)
    return [nn.Sequential(*part) for part in parts if part]


class _XdxdConvolution(nn.Module):
    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(taken, given, 3, padding=1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.conv(values))


class _XdxdBlock(nn.Module):
    def __init__(self, taken: int, between: int, given: int) -> None:
        super().__init__()
        enlarge = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.block = nn.Sequential(enlarge, _XdxdConvolution(taken, between), _XdxdConvolution(between, given))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.block(values)


class SelimsefUnet(nn.Module):
    """selim_sef's U-Net: each decoder stage is enlarged, convolved, joined with a skip and convolved again."""

    def __init__(self, encoder: str, bands: int = 4, outputs: int = 3) -> None:
        super().__init__()
        skips, widths = _WIDTHS[encoder]
        self.bottlenecks = nn.ModuleList(
            _Bottleneck(width + skip, width) for width, skip in zip(widths[::-1], skips[-2::-1], strict=True)
        )
        taken = [*widths[1:], skips[-1]]
        self.decoder_stages = nn.ModuleList(_SelimsefBlock(*pair) for pair in zip(taken, widths, strict=True))
        self.last_upsample = _SelimsefBlock(widths[0], widths[0])
        self.final = nn.Sequential(nn.Conv2d(widths[0], outputs, 1))
        stages = _stage_resnet(bands) if encoder == "resnet34" else _stage_densenet(_DENSENETS[encoder], bands)
        self.encoder_stages = nn.ModuleList(stages)

    @property
    def encoder(self) -> nn.Module:
        """The encoder, as every network here has one; not a name of its own in the state dict."""
        return self.encoder_stages

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return logits of the input's height and width."""
        skips = []
        for stage in self.encoder_stages:
            values = stage(values)
            skips.append(values)
        skips.pop()
        for enlarge, join in zip(reversed(self.decoder_stages), self.bottlenecks, strict=True):
            values = join(torch.cat([enlarge(values), skips.pop()], dim=1))
        return self.final(self.last_upsample(values))


#: Encoder -> channels of its five stages, and of the four decoder stages, both from the finest to the coarsest.
_WIDTHS = {
    "resnet34": ((64, 64, 128, 256, 512), (64, 128, 256, 512)),
    "densenet121": ((64, 256, 512, 1024, 1024), (64, 128, 256, 256)),
    "densenet161": ((96, 384, 768, 2112, 2208), (64, 128, 256, 256)),
}
_DENSENETS: dict[str, Callable[..., DenseNet]] = {"densenet121": densenet121, "densenet161": densenet161}


def _stage_resnet(bands: int) -> list[nn.Module]:
    network = resnet34(weights=None)
    first = nn.Conv2d(bands, 64, 7, stride=2, padding=3, bias=False)
    return [
        nn.Sequential(first, network.bn1, network.relu),
        nn.Sequential(network.maxpool, network.layer1),
        network.layer2,
        network.layer3,
        network.layer4,
    ]


def _stage_densenet(make: Callable[..., DenseNet], bands: int) -> list[nn.Module]:
    layers = make(weights=None).features
    first = nn.Conv2d(bands, layers.conv0.out_channels, 7, stride=2, padding=3, bias=False)
    return [
        nn.Sequential(first, layers.norm0, layers.relu0),
        nn.Sequential(layers.pool0, layers.denseblock1),
        nn.Sequential(layers.transition1, layers.denseblock2),
        nn.Sequential(layers.transition2, layers.denseblock3),
        nn.Sequential(layers.transition3, layers.denseblock4, layers.norm5, nn.ReLU()),
    ]


class _Bottleneck(nn.Module):
    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(nn.Conv2d(taken, given, 3, padding=1), nn.ReLU(inplace=True))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.seq(values)


class _SelimsefBlock(nn.Module):
    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        convolve = nn.Conv2d(taken, given, 3, padding=1)
        self.layer = nn.Sequential(nn.Upsample(scale_factor=2), convolve, nn.ReLU(inplace=True))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.layer(values)
