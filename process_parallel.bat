@echo off
rem process_parallel.bat VIDEO [fps] [max_workers] [batch_size] [output_dir] [options...]
rem Sets itself up on first use, then does the whole job; without arguments on the clip in samples\. --help tells the rest.
rem A path with spaces or an ampersand goes in double quotes.
setlocal EnableExtensions DisableDelayedExpansion
set "PYTHONUTF8=1"
set "HERE=%~dp0"
set "FITS=import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"

rem "call", because a version manager may have put a batch file in the place of python.exe.
for %%C in ("python" "python3" "py -3" "py -3.14" "py -3.13" "py -3.12" "py -3.11") do (
  call %%~C -c "%FITS%" >nul 2>nul && set "FOUND=%%~C" && goto found
)
echo error: FrameFleet needs Python 3.11, 3.12, 3.13 or 3.14, and none was found: install one from https://www.python.org/downloads/ 1>&2
exit /b 1

:found
%FOUND% "%HERE%scripts\process_video_parallel.py" %*
exit /b %ERRORLEVEL%
