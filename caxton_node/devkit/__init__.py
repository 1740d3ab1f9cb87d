"""What developers use around a node: today the demonstration, `python -m caxton_node.devkit.demo`."""
