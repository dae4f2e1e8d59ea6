"""Every key of a deployment, from the first to the last."""
