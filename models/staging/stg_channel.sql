{{ approved_rows(source('landing', 'channel')) }}
