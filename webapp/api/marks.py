"""What a router says about who may call it."""

OPEN = "open to strangers"
"""The tag of a router that anyone may call; one without it is for those who are let in."""
