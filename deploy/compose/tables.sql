create database tables owner syncline;
