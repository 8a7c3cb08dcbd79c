"""Floor 7: the local app. One model, served on this machine to its own browser."""
