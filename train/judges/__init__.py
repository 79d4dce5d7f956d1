"""What judges a render: losses of pixels, of features and of a critic's opinion.

In come renders and originals, ImageNet-normalised (N, 3, H, W); out come scalars to go down on. ``critic`` is the
network that tells renders from photographs, ``projected`` one that sees them through another's features, ``features``
are the frozen ones whose activations are compared, ``losses`` are the functions, and ``views`` asks whether a picture
keeps its colours at another size or in a mount.
"""

from train.judges.critic import Critic, coloured_like
from train.judges.features import (
    LiteFeatures,
    VggFeatures,
    depthwise_in_float32,
    feature_network,
    frozen,
    lite_classifier,
)
from train.judges.losses import (
    CRITIC_LOSSES,
    GENERATOR_LOSSES,
    FeatureLoss,
    bce_critic_loss,
    bce_generator_loss,
    chroma_loss,
    chroma_shares,
    distribution_loss,
    gradient_loss,
    hinge_critic_loss,
    hinge_generator_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)
from train.judges.projected import AnyCritic, ProjectedCritic, new_critic
from train.judges.views import agreement_loss

__all__ = [
    "CRITIC_LOSSES",
    "GENERATOR_LOSSES",
    "AnyCritic",
    "Critic",
    "FeatureLoss",
    "LiteFeatures",
    "ProjectedCritic",
    "VggFeatures",
    "agreement_loss",
    "bce_critic_loss",
    "bce_generator_loss",
    "chroma_loss",
    "chroma_shares",
    "coloured_like",
    "depthwise_in_float32",
    "distribution_loss",
    "feature_network",
    "frozen",
    "gradient_loss",
    "hinge_critic_loss",
    "hinge_generator_loss",
    "l1_loss",
    "lite_classifier",
    "new_critic",
    "psnr_loss",
    "worse_than_stretched",
]
