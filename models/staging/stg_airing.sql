{{ approved_rows(source('landing', 'airing')) }}
