"""Clusters that scenarios can be played on, by whichever rules."""
