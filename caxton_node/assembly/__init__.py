"""The parts of a running node, each opened whole: what it is made of, what it hears, how it is closed.

    ground -> store -> company -> knowledge -> mail -> crew -> work -> surface

`daemon.py` opens them in this order and closes them in reverse. There is no logic here: whoever looks for a
rule finds it in the package that a part opens.
"""
