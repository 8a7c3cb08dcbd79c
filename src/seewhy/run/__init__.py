"""Floor 6: from a picture and a model to a result that shows and saves itself."""
