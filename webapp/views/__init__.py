"""The pages of the dashboard, one module each; `state` holds what they share."""
