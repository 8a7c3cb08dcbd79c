"""Floor 0: mathematics on players. Knows neither images nor models."""
