"""What reads hostile documents: run as a process of its own, `python -I -m codegod_fetch.reader`.

A request is one line of JSON and then the document's bytes on stdin; the answer is one JSON object on stdout. Nothing
here imports the server, so that the process starts in a few hundredths of a second and knows nothing worth stealing.
"""
