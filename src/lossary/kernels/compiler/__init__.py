"""A compiler for the small part of Python that kernels are written in: typed numbers, arrays and loops, no objects.

`values` are numbers and arrays while code is made of them, `walk` goes through a source, `unit` holds its functions,
`python` lets Python call one, `code` is LLVM's part, and `link` brings machine code into the process.
"""
