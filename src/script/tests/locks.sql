-- Purpose: the objects that the statements of locks.tsv are about.
-- Privileges: superuser (a foreign data wrapper).
-- Lowest server version: 15 (MERGE); none of the objects needs more than 13.
create table b(id int primary key, x int);
create table a(id int primary key, b_id int, x int, y text, constraint a_fk foreign key (b_id) references b(id), constraint a_ck check (x > 0) not valid, constraint a_u unique (x));
alter table a add constraint a_fk2 foreign key (x) references b(id) not valid;
create table c(id int primary key, x int);
create table d(id int, x int);
create table part(id int, x int) partition by range (id);
create table p1 partition of part for values from (0) to (10);
create table pdef partition of part default;
create table p2(id int, x int);
create table inh(id int, x int);
create view v as select * from c;
create materialized view mv as select id from c; create unique index mv_i on mv(id);
create sequence s;
create index idx_x on c(x);
create index idx_e on d((x + 1));
create schema other;
create index part_i on only part(x); create index p1_i on p1(x);
create function tf() returns trigger language plpgsql as 'begin return new; end';
create function f() returns int language sql volatile as 'select 1';
create procedure pr() language sql as 'select 1';
create trigger trg before insert on a for each row execute function tf();
create rule ru as on update to d do also select 1;
create policy pol on a using (true);
create statistics st on id, x from c;
create publication pub;
create type comp as (a int);
create type en as enum ('a');
create domain dom as int;
create foreign data wrapper fdw; create server srv foreign data wrapper fdw; create foreign table ft(id int) server srv;
