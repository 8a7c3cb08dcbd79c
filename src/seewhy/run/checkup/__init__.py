"""What `doctor` looks at: how a model is fed, what it returns, how it behaves, what it costs."""
