"""DeepLIFT's rescale rule on networks as they are; see `rescaled_contributions`."""

from seewhy.methods.gradients.rescale.contributions import Rescaled, rescaled_contributions

__all__ = ["Rescaled", "rescaled_contributions"]
