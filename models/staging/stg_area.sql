{{ approved_rows(ref('area')) }}
