"""What judges a render: losses of pixels, of features and of a critic's opinion.

In come renders and originals, ImageNet-normalised (N, 3, H, W); out come scalars to go down on. ``critic`` is the
network that tells renders from photographs, ``features`` are the frozen ones whose activations are compared, and
``losses`` are the functions.
"""

from train.judges.critic import Critic, coloured_like
from train.judges.features import Lite0Features, VggFeatures, feature_network, lite0_classifier
from train.judges.losses import (
    CRITIC_LOSSES,
    GENERATOR_LOSSES,
    FeatureLoss,
    bce_critic_loss,
    bce_generator_loss,
    chroma_loss,
    gradient_loss,
    hinge_critic_loss,
    hinge_generator_loss,
    l1_loss,
    psnr_loss,
    worse_than_stretched,
)

__all__ = [
    "CRITIC_LOSSES",
    "GENERATOR_LOSSES",
    "Critic",
    "FeatureLoss",
    "Lite0Features",
    "VggFeatures",
    "bce_critic_loss",
    "bce_generator_loss",
    "chroma_loss",
    "coloured_like",
    "feature_network",
    "gradient_loss",
    "hinge_critic_loss",
    "hinge_generator_loss",
    "l1_loss",
    "lite0_classifier",
    "psnr_loss",
    "worse_than_stretched",
]
