@echo off
if not exist dist mkdir dist
copy /y probe.inx dist\probe.inf
stampinf -f dist\probe.inf -d 03/04/2026 -v 1.4.2.7 -a amd64 -c probe.cat
infverif /w dist\probe.inf
copy /y %1\probe.sys dist
copy /y %1\probe.pdb dist
xcopy /y firmware\probe.bin dist\
inf2cat /driver:dist /os:10_X64,10_NI_X64 /verbose
signtool sign /fd sha256 /sha1 0123456789012345678901234567890123456789 dist\probe.cat
signtool verify /pa dist\probe.cat
echo done
