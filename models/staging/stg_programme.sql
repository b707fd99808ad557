{{ approved_rows(source('landing', 'programme')) }}
