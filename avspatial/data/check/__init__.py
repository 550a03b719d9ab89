"""Checking a data set before it is used: sound, directions, damage, and audio that two splits share."""
