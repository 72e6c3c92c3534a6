using PcieOe.Host.Bench.Traces;
using PcieOe.Host.Hops;
using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Bench;

/// <summary>
/// One workload on the built-in driver, on the worker's thread: keeps its commands under way, times each, and checks data where asked.
/// Everything is allocated before the first command. Closed loop: a slot's next command starts when its last one has completed. Open
/// loop: commands have times of their own, latency counts from there, and what finds no slot waits.
/// </summary>
internal sealed unsafe class Workload : IMeasuredLoad
{
    private readonly WorkloadOptions _options;
    private readonly NvmeBlockDriver _driver;
    private readonly HopSampler _sampler;
    private readonly NamespaceInfo _namespace;
    private readonly Slot[] _slots;
    private readonly int[] _free;
    private readonly nint _buffers;
    private readonly uint _blocksPerUnit;
    private readonly WorkloadVerifier? _verifier;
    private readonly TraceCommand[]? _trace;
    private readonly WorkloadHops _hops;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CommandDraw _draw;
    private readonly long _units;
    private WorkloadPhase _phase;
    private int _freeCount;
    private long _issued;
    private long _completed;
    private double _nextStart;
    private bool _hasStarted;
    private long _endsAt;
    private long _sweep;
    private volatile bool _isCancelled;

    /// <exception cref="WorkloadException">The options do not fit the namespace or the driver; the message says what would.</exception>
    internal Workload(WorkloadOptions options, NvmeBlockDriver driver, HopSampler sampler, string ownerName)
    {
        _options = options;
        _sampler = sampler;
        _driver = driver;
        if (driver.Namespaces.Count == 0)
        {
            throw new WorkloadException("The function has no active namespace: create and attach one first.");
        }

        _namespace = driver.Namespaces[0];
        WorkloadLimits.Check(options, driver, _namespace);
        _blocksPerUnit = (uint)(options.BlockBytes / _namespace.BlockBytes);
        long bytes = Math.Min(options.WorkingSetBytes, (long)_namespace.Blocks * _namespace.BlockBytes);
        _units = bytes / options.BlockBytes;
        if (!driver.Pool.TryAllocate(options.QueueDepth * options.BlockBytes, out _buffers))
        {
            throw new WorkloadException($"The driver's memory has no room for {options.QueueDepth} buffers of {options.BlockBytes} bytes: lower the depth or the size.");
        }

        _trace = options.Trace?.Commands;
        Tally = new WorkloadTally(options.Seconds);
        _hops = new WorkloadHops(options.Seconds);
        _slots = new Slot[options.QueueDepth];
        _free = new int[options.QueueDepth];
        for (int i = 0; i < _free.Length; i++)
        {
            _free[i] = _free.Length - 1 - i;
            BlockPattern.Fill(BufferSpan(i), BlockPattern.OwnerOf(ownerName), index: 0, generation: 0);
        }

        _freeCount = _free.Length;
        _verifier = options.Pattern == WorkloadPattern.Verify ? new WorkloadVerifier(ownerName, _units) : null;
        _draw = new CommandDraw(options, _units, _verifier);
    }

    /// <summary>Completes, on another thread, when all is done.</summary>
    public Task Done => _done.Task;

    public long Completed => Volatile.Read(ref _completed);

    public WorkloadTally Tally { get; }

    public long VerifyErrors => _verifier?.Errors ?? 0;

    /// <summary>Null for workloads whose data nobody compares.</summary>
    internal WorkloadVerifier? Verifier => _verifier;

    /// <summary>Of its sampled commands.</summary>
    internal WorkloadHops Hops => _hops;

    internal SlowestCommands Slowest { get; } = new(SlowestCommands.DefaultCapacity);

    public WorkloadOptions Options => _options;

    internal int BlocksPerUnit => (int)_blocksPerUnit;

    private bool IsIdle => _freeCount == _free.Length;

    /// <summary>Ends it early, as if its time were over. From any thread.</summary>
    public void Cancel() => _isCancelled = true;

    /// <summary>Issues what is due. True: something was.</summary>
    public bool Poll(long now)
    {
        if (_phase == WorkloadPhase.Finished)
        {
            return false;
        }

        if (!_hasStarted)
        {
            _hasStarted = true;
            Tally.Start(now);
            _nextStart = now;
            _endsAt = _trace is null ? now + (long)(_options.Seconds * 1e9) : long.MaxValue;
        }

        if (_phase == WorkloadPhase.Measuring && (now >= _endsAt || _isCancelled || (_options.MaximumCommands > 0 && _issued >= _options.MaximumCommands)
            || _issued == _trace?.Length))
        {
            _phase = WorkloadPhase.Draining;
            GoOnWhenIdle();
        }

        return _phase switch
        {
            WorkloadPhase.Measuring => _trace is null ? Issue(now) : Replay(_trace, now),
            WorkloadPhase.Sweeping => Sweep(now),
            _ => false,
        };
    }

    /// <summary>When <see cref="Poll"/> has something to do though nothing completes.</summary>
    public long NextDeadline => _phase != WorkloadPhase.Measuring ? long.MaxValue
        : !_hasStarted ? long.MinValue
        : _trace is not null ? DueInTrace(_trace)
        : _draw.IsPaced && _freeCount > 0 ? Math.Min(_endsAt, (long)_nextStart)
        : _endsAt;

    public void OnCompleted(int slotIndex, NvmeStatus status, long now)
    {
        ref Slot slot = ref _slots[slotIndex];
        if (slot.Sample != 0)
        {
            _sampler.End(slot.Sample, slot.SampledAt);
        }

        if (_phase is WorkloadPhase.Measuring or WorkloadPhase.Draining)
        {
            Tally.Record(now - slot.StartedAt, slot.Blocks * (long)_namespace.BlockBytes, now);
        }

        if (status != NvmeStatus.Success)
        {
            Tally.RecordError(status);
        }

        if (slot.IsWrite)
        {
            _verifier?.EndWrite(slot.Unit, slot.Generation, status == NvmeStatus.Success);
        }
        else
        {
            _verifier?.EndRead(slot.Unit, BufferSpan(slotIndex), status == NvmeStatus.Success);
        }

        _completed++;
        _free[_freeCount++] = slotIndex;
        if (_phase == WorkloadPhase.Measuring)
        {
            Poll(now);
        }

        GoOnWhenIdle();
    }

    /// <summary>Ends it because the driver can do no more: nothing of it is under way any longer.</summary>
    public void OnDeviceEnded() => _phase = Finish();

    public void Dispose()
    {
        _driver.Pool.Free(_buffers);
        Tally.Dispose();
        _hops.Dispose();
    }

    private bool Issue(long now)
    {
        bool issued = false;
        while (_freeCount > 0 && (!_draw.IsPaced || _nextStart <= now) && (_options.MaximumCommands == 0 || _issued < _options.MaximumCommands))
        {
            long start = _draw.IsPaced ? (long)_nextStart : now;
            if (!TryStart(_draw.NextUnit(out bool isWrite), isWrite, start, now))
            {
                break;
            }

            issued = true;
            _issued++;
            if (_draw.IsPaced)
            {
                _nextStart += _draw.NextGap();
            }
        }

        return issued;
    }

    private bool Replay(TraceCommand[] trace, long now)
    {
        bool issued = false;
        while (_freeCount > 0 && _issued < trace.Length)
        {
            ref readonly TraceCommand command = ref trace[_issued];
            long start = Tally.StartedAt + command.ArrivalNanoseconds;

            // Like a drive of another size: what lies behind its end comes round to the beginning.
            uint blocks = (uint)((command.Bytes + _namespace.BlockBytes - 1) / _namespace.BlockBytes);
            long lba = command.OffsetBytes / _namespace.BlockBytes % ((long)_namespace.Blocks - blocks + 1);
            if (start > now || !TryStart(0, (ulong)lba, blocks, command.IsWrite, start, now))
            {
                break;
            }

            issued = true;
            _issued++;
        }

        return issued;
    }

    // With everything issued the next round moves on; without a slot nothing happens before a completion.
    private long DueInTrace(TraceCommand[] trace) => _issued == trace.Length ? long.MinValue
        : _freeCount == 0 ? long.MaxValue : Tally.StartedAt + trace[_issued].ArrivalNanoseconds;

    /// <summary>After a verified workload: reads back every unit that was written.</summary>
    private bool Sweep(long now)
    {
        bool issued = false;
        while (_freeCount > 0 && _sweep < _units)
        {
            if (_verifier!.IsKnown(_sweep))
            {
                if (!TryStart(_sweep, isWrite: false, now, now))
                {
                    break;
                }

                issued = true;
            }

            _sweep++;
        }

        GoOnWhenIdle();
        return issued;
    }

    private bool TryStart(long unit, bool isWrite, long start, long now) =>
        TryStart(unit, (ulong)unit * _blocksPerUnit, _blocksPerUnit, isWrite, start, now);

    private bool TryStart(long unit, ulong lba, uint blocks, bool isWrite, long start, long now)
    {
        int slotIndex = _free[_freeCount - 1];
        ref Slot slot = ref _slots[slotIndex];
        slot.Unit = unit;
        slot.Blocks = blocks;
        slot.IsWrite = isWrite;
        slot.StartedAt = start;
        slot.Sample = 0;
        if (_sampler.TakeTurn())
        {
            slot.SampledAt = _sampler.Now();
            slot.Sample = _sampler.Begin();
        }

        if (isWrite && _verifier is not null)
        {
            slot.Generation = _verifier.Fill(BufferSpan(slotIndex), unit);
        }

        BlockCommand command = new()
        {
            Operation = isWrite ? BlockOperation.Write : BlockOperation.Read,
            NamespaceId = _namespace.Id,
            Lba = lba,
            Blocks = blocks,
            Buffer = BufferOf(slotIndex),
            Context = BlockDevice.UserContext | (uint)slotIndex,
            Sample = slot.Sample,
        };
        if (!_driver.TrySubmit(command, now))
        {
            return false;
        }

        _verifier?.Begin(unit);
        _freeCount--;
        return true;
    }

    private void GoOnWhenIdle()
    {
        if (_phase == WorkloadPhase.Draining && IsIdle)
        {
            _phase = _verifier is not null && !_isCancelled ? WorkloadPhase.Sweeping : Finish();
        }

        if (_phase == WorkloadPhase.Sweeping && IsIdle && _sweep >= _units)
        {
            _phase = Finish();
        }
    }

    private WorkloadPhase Finish()
    {
        _done.TrySetResult();
        return WorkloadPhase.Finished;
    }

    private nint BufferOf(int slotIndex) => _buffers + slotIndex * _options.BlockBytes;

    private Span<byte> BufferSpan(int slotIndex) => new((void*)BufferOf(slotIndex), _options.BlockBytes);

    private struct Slot
    {
        internal long Unit;
        internal long StartedAt;
        internal uint Blocks;

        /// <summary>The clock before its stamps began, and their name; 0: it has none.</summary>
        internal long SampledAt;
        internal uint Sample;
        internal uint Generation;
        internal bool IsWrite;
    }

    private enum WorkloadPhase : byte
    {
        Measuring,

        /// <summary>No more starts; what is under way is waited for.</summary>
        Draining,

        /// <summary>Everything that was written is read back.</summary>
        Sweeping,

        Finished,
    }
}
