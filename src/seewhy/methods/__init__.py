"""Floor 3: methods that explain a game, and the values they answer with."""
