"""Many files on many workers: what is to be done, who does it, and what comes of it as one study.

`manifest` remembers every file, `driver` hands them out, `worker` reads one at a time, `study` says where its
outputs lie and `tables` joins them. Dask carries the work; nothing here loads it but `cluster`.
"""
