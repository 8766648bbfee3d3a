"""ChannelAttribution in a process of its own: its rules, and its Markov chain, which it draws at random."""

import contextlib
import io
import json
import sys

import pandas as pd

asked = json.load(sys.stdin)
with contextlib.redirect_stdout(io.StringIO()):  # it greets
    import ChannelAttribution as channels

    paths = pd.DataFrame(asked["paths"], columns=["path", "converted", "lost"])
    rules = channels.heuristic_models(paths, "path", "converted", sep=">", flg_pro=False)
    # Unless told otherwise, it ends each walk at the longest path seen, and does not see what would come later.
    drawn = {"ncore": 1, "seed": 1, "nsim_start": 2e7, "conv_par": 0.001, "max_step": 10_000}
    chain = channels.markov_model(
        paths, "path", "converted", var_null="lost", order=1, sep=">", verbose=False, flg_pro=False, **drawn
    )
json.dump({"rules": rules.to_dict("records"), "markov": chain.to_dict("records")}, sys.stdout)
