using PcieOe.FlashEndpoint.Interop;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// A thread that does steps one after another with blocking system calls. Steps come in and results go out through queues of one producer
/// and one consumer. Who finds its queue empty says so (<c>_isAsleep</c>) before it looks again and sleeps; who adds looks at that
/// afterwards; with a full fence between on both sides, one of them always sees the other.
/// </summary>
internal sealed unsafe class FileWorker : IDisposable
{
    private readonly int _file;
    private readonly SpscQueue<FileStep> _steps;
    private readonly SpscQueue<FileStepResult> _results;
    private readonly EventDescriptor _wakeUp = new(isBlocking: true);
    private readonly Action _resultsAdded;
    private readonly Thread _thread;

    /// <summary>Written by the worker, read by the caller.</summary>
    private bool _isAsleep;

    /// <summary>Written by the caller, read by the worker.</summary>
    private bool _isStopping;

    public FileWorker(int file, int maximumSteps, string name, Action resultsAdded)
    {
        _file = file;
        _steps = new SpscQueue<FileStep>(maximumSteps);
        _results = new SpscQueue<FileStepResult>(maximumSteps);
        _resultsAdded = resultsAdded;
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Added and not yet taken back as results. The caller's.</summary>
    public int Outstanding { get; private set; }

    public void Add(in FileStep step)
    {
        Outstanding++;
        _steps.Add(step);
    }

    /// <summary>Makes sure that the thread sees what was added.</summary>
    public void WakeUp()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isAsleep))
        {
            _wakeUp.Set();
        }
    }

    public bool TryTake(out FileStepResult result)
    {
        if (!_results.TryTake(out result))
        {
            return false;
        }

        Outstanding--;
        return true;
    }

    /// <summary>Does what was added, and ends the thread.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _isStopping, true);
        _wakeUp.Set();
        _thread.Join();
        _wakeUp.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            if (_steps.TryTake(out FileStep step))
            {
                _results.Add(new FileStepResult(step.Slot, Do(step)));
                _resultsAdded();
            }
            else if (Volatile.Read(ref _isStopping))
            {
                return;
            }
            else
            {
                Volatile.Write(ref _isAsleep, true);
                Interlocked.MemoryBarrier();
                if (_steps.IsEmpty && !Volatile.Read(ref _isStopping))
                {
                    _ = _wakeUp.TryClear();
                }

                Volatile.Write(ref _isAsleep, false);
            }
        }
    }

    private int Do(in FileStep step)
    {
        nint result = step.Kind switch
        {
            FileStepKind.Read => Libc.ReadAt(_file, step.Data, (nuint)step.Length, step.Offset),
            FileStepKind.Write => Libc.WriteAt(_file, step.Data, (nuint)step.Length, step.Offset),
            FileStepKind.Synchronize => Libc.SynchronizeData(_file),
            FileStepKind.PunchHole => Libc.Allocate(_file, Libc.AllocateKeepSize | Libc.AllocatePunchHole, step.Offset, step.Length),
            _ => Libc.Allocate(_file, Libc.AllocateKeepSize | Libc.AllocateZeroRange, step.Offset, step.Length),
        };
        return result < 0 ? -Libc.LastError : (int)result;
    }
}
