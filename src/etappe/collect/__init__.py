"""Collect: from files to accepted rows and refused ones, each with its place and its reason."""
