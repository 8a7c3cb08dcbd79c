"""Gradient methods: they differentiate the model instead of hiding superpixels."""
