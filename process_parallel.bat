@echo off
rem process_parallel.bat VIDEO [fps] [max_workers] [batch_size] [output_dir] [options...]
rem Sets itself up on first use, then does the whole job; without arguments on the clip in samples\. --help tells the rest.
rem A path with spaces or an ampersand goes in double quotes. PYTHON, where set, names the Python that is tried first.
setlocal EnableExtensions DisableDelayedExpansion
rem Other tools' packages and Pythons (ROS, Blender, Maya) would go before ours.
set "PYTHONPATH="
set "PYTHONHOME="
set "PYTHONNOUSERSITE=1"
set "PYTHONUTF8=1"
set "HERE=%~dp0"
set "FITS=import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))"
set "CODE=1"

rem "call", because a version manager may have put a batch file in the place of python.exe.
if not defined PYTHON goto search
set "PYTHON=%PYTHON:"=%"
set FOUND="%PYTHON%"
call %FOUND% -c "%FITS%" >nul 2>nul && goto found

:search
for %%C in ("python" "python3" "py -3" "py -3.14" "py -3.13" "py -3.12" "py -3.11") do (
  call %%~C -c "%FITS%" >nul 2>nul && set "FOUND=%%~C" && goto found
)
echo framefleet: FrameFleet needs Python 3.11, 3.12, 3.13 or 3.14, and none was found: install one from https://www.python.org/downloads/ 1>&2
goto end

:found
rem No "call" here: it would read the arguments once more, and take a percent sign or a caret in a name for its own.
rem So where Python is a batch file, that one does not come back here, and ends all with its own exit code.
%FOUND% "%HERE%scripts\process_video_parallel.py" %*
set "CODE=%ERRORLEVEL%"

:end
rem A window that was opened by a click on this file, or by a video dropped on it, stays until a key is pressed. It was,
rem where this "cmd /c" is a child of the Explorer; from a prompt, cmd's own command line does not name this file at all.
set "LINE=%CMDCMDLINE:"=%"
if "%LINE:process_parallel.bat=%"=="%LINE%" exit /b %CODE%
powershell -NoProfile -Command "$cmd = (Get-CimInstance Win32_Process -Filter ('ProcessId=' + $PID)).ParentProcessId; $by = (Get-CimInstance Win32_Process -Filter ('ProcessId=' + $cmd)).ParentProcessId; exit (42 * [int]((Get-Process -Id $by).ProcessName -eq 'explorer'))" >nul 2>nul
if %ERRORLEVEL%==42 pause
exit /b %CODE%
