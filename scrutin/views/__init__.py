"""What the views process asks of other rooms."""
