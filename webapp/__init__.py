"""The web app and the dashboard."""
