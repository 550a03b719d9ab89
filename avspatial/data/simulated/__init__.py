"""Scenes rendered by avspatial itself, whose true directions are therefore known."""
