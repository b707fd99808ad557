"""Invented data: a sample market, its devices and their viewing; same seed, same rows.

`market` makes the small dimensions in pure Python, `devices` and `viewing` the large tables in
Spark. Names are made of syllables: none is a real company's, station's or market's.
"""
