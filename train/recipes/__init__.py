"""Recipes as data: which network, which stages in which order, and beside each number its reason.

``recipe`` says what a stage and a recipe are made of; ``published`` has those of 2018 and 2019, ``compact`` those of
the embedded networks. A recipe comes out of ``RECIPES`` by its name, ``changed`` takes what the command line says,
and ``plain`` turns it into what a run's folder keeps. Nothing here needs torch.
"""

from train.errors import RecipeError
from train.recipes import compact, published
from train.recipes.changes import changed
from train.recipes.plain import conflicts, differences, to_dict
from train.recipes.published import CRITIC_2018, CRITIC_2019
from train.recipes.recipe import (
    VIEWED,
    CriticConfig,
    CriticLoss,
    Damage,
    FeatureNetwork,
    LiteName,
    ProjectedCriticConfig,
    Recipe,
    Stage,
)  # fmt: skip

__all__ = [
    "CRITIC_2018",
    "CRITIC_2019",
    "RECIPES",
    "VIEWED",
    "CriticConfig",
    "CriticLoss",
    "Damage",
    "FeatureNetwork",
    "LiteName",
    "ProjectedCriticConfig",
    "Recipe",
    "RecipeError",
    "Stage",
    "changed",
    "conflicts",
    "differences",
    "to_dict",
]

RECIPES = {
    recipe.name: recipe for recipe in (*published.COLORIZERS, compact.COLORIZER, published.DEFADER, compact.DEFADER)
}
