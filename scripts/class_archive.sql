-- What the session of class_archive.py runs: a little of all that commands do.
create schema archive;
create table archive.one (name string, number int, day date) using delta partitioned by (day);
insert into archive.one select string(id), int(id), date'2026-01-01' from range(9);
merge into archive.one using (select '1' as name) as new on one.name = new.name
when matched then update set number = 7 when not matched then insert (name) values (name);
create table archive.two using parquet as
select day, count(distinct name), sum(number)
from archive.one left join (select 1 as x) on number = x group by day order by day;
create view archive.three as select lag(day) over (order by day) as day from archive.two;
insert into archive.one replace where day = '2026-01-01' select * from archive.one;
select * from archive.three;
