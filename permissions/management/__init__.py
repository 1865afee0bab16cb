"""Commands about who may."""
