using PcieOe.Host.Hops;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Nvme;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.Bench.Tlps;

/// <summary>
/// What one TLP takes, apart from any command, one at a time on the worker's thread (docs/report-format.md, "Single TLPs"): reads and
/// writes of the host in the function's BARs, reads and writes of the device in host memory. Data is checked.
/// </summary>
internal sealed unsafe class TlpWorkload : IMeasuredLoad, IFunctionMessageSink
{
    private const long AnswerTimeoutNanoseconds = 2_000_000_000;

    private readonly NvmeBlockDriver _driver;
    private readonly IRemoteFunction _function;
    private readonly HopSampler _sampler;
    private readonly byte[] _data;
    private readonly RegionPlace _place;
    private readonly int _placeIndex = -1;
    private readonly long _resetsBefore;
    private readonly nint _buffer;
    private readonly uint _bufferCheck;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Phase _phase;
    private bool _isUnderWay;
    private long _startedAt;
    private long _endsAt = long.MaxValue;
    private long _completed;
    private uint _name;
    private volatile bool _isCancelled;

    /// <exception cref="WorkloadException">It cannot run here; the message says why.</exception>
    internal TlpWorkload(WorkloadOptions options, NvmeBlockDriver driver, HopSampler sampler)
    {
        Options = options;
        _driver = driver;
        _function = driver.Function;
        _sampler = sampler;
        TlpWorkloadLimits.Check(options, _function.MaximumPayloadBytes);
        if (UsesController && options.BlockBytes > TlpWorkloadLimits.RegisterBytes && !driver.TryTakePlace(options.BlockBytes, out _placeIndex, out _place))
        {
            throw new WorkloadException($"{options.PatternName} of more than {TlpWorkloadLimits.RegisterBytes} bytes needs a memory buffer of the controller, with room: the function has none.");
        }

        if (!UsesController && !driver.Pool.TryAllocate(TlpLimits.BoundaryBytes, out _buffer))
        {
            throw new WorkloadException("The driver's memory has no room for a page.");
        }

        _data = new byte[options.BlockBytes];
        new Random((int)options.Seed).NextBytes(_data);
        if (!UsesController)
        {
            _data.CopyTo(Buffer);
            _bufferCheck = Crc32C.Compute(_data);
        }

        _resetsBefore = driver.Counters.ControllerResets;
        Tally = new WorkloadTally(options.Seconds);
        driver.RegionReader = OnRegionRead;
        sampler.OtherMessages = this;
    }

    public WorkloadOptions Options { get; }

    public Task Done => _done.Task;

    public long Completed => Volatile.Read(ref _completed);

    public WorkloadTally Tally { get; }

    public long VerifyErrors { get; private set; }

    public long NextDeadline => _phase == Phase.Finished ? long.MaxValue : _isUnderWay ? _startedAt + AnswerTimeoutNanoseconds : long.MinValue;

    private bool UsesController => Options.Pattern is WorkloadPattern.RegisterRead or WorkloadPattern.RegisterWrite;

    private bool HasPlace => _placeIndex >= 0;

    private Span<byte> Buffer => new((void*)_buffer, Options.BlockBytes);

    public void Cancel() => _isCancelled = true;

    public bool Poll(long now)
    {
        if (_phase == Phase.Finished)
        {
            return false;
        }

        if (_isUnderWay)
        {
            if (now >= _startedAt + AnswerTimeoutNanoseconds)
            {
                _isUnderWay = false;
                Fail("NoAnswer");
            }

            return false;
        }

        if (_phase == Phase.Preparing)
        {
            if (HasPlace && !_function.TryWriteRegion(_place.Bar, _place.Offset, _data, now))
            {
                return false;
            }

            _endsAt = now + (long)(Options.Seconds * 1e9);
            Tally.Start(now);
            _phase = Phase.Measuring;
        }

        bool isOver = now >= _endsAt || _isCancelled || (Options.MaximumCommands > 0 && Tally.Commands + Tally.Errors >= Options.MaximumCommands) || _driver.State != BlockDriverState.Ready;
        if (_phase == Phase.Measuring && isOver)
        {
            if (!HasPlace || _isCancelled || _driver.State != BlockDriverState.Ready)
            {
                Finish();
                return true;
            }

            _phase = Phase.Checking;
        }

        _startedAt = _sampler.Now();
        return _isUnderWay = _phase == Phase.Checking ? TryReadPlace(now) : TryIssue(now);
    }

    public void OnMessage(in TlpView message, ulong frameNumber, long now)
    {
        long endedAt = _sampler.Now();
        if (!_isUnderWay || !ProbeAnswer.TryParse(message, out ProbeAnswer answer) || answer.Name != _name)
        {
            return;
        }

        _isUnderWay = false;
        if (answer.Status != ProbeStatus.Success)
        {
            Fail(answer.Status.ToString());
            return;
        }

        // A read is the device's: its clock alone has both ends. A write is posted: what has both ends here is order and answer.
        bool isRead = Options.Pattern == WorkloadPattern.DmaRead;
        Record(isRead ? answer.EndedAt - answer.BegunAt : endedAt - _startedAt, endedAt);
        bool isRight = isRead ? answer.Check == _bufferCheck : !Buffer.ContainsAnyExcept((byte)_name);
        VerifyErrors += isRight ? 0 : 1;
    }

    public void OnCompleted(int context, NvmeStatus status, long now)
    {
        // It has no commands.
    }

    public void OnDeviceEnded()
    {
        if (_phase != Phase.Finished)
        {
            Finish();
        }
    }

    public void Dispose()
    {
        if (_buffer != 0)
        {
            _driver.Pool.Free(_buffer);
        }

        Tally.Dispose();
    }

    private bool TryIssue(long now)
    {
        switch (Options.Pattern)
        {
            case WorkloadPattern.RegisterRead:
                return HasPlace ? TryReadPlace(now) : TryReadStatus(now);
            case WorkloadPattern.RegisterWrite when HasPlace:
                _data[0]++;
                return _function.TryWriteRegion(_place.Bar, _place.Offset, _data, now) && TryReadStatus(now);
            case WorkloadPattern.RegisterWrite:
                // A mask of nothing: the write changes nothing.
                return _function.TryWriteRegion(bar: 0, NvmeRegister.InterruptMaskClear, stackalloc byte[TlpWorkloadLimits.RegisterBytes], now) && TryReadStatus(now);
            default:
                _name++;
                return _function.TryProbe(new ProbeOrder
                {
                    Name = _name,
                    Kind = Options.Pattern == WorkloadPattern.DmaRead ? ProbeKind.DmaRead : ProbeKind.DmaWrite,
                    Bytes = (uint)Options.BlockBytes,
                    Address = _driver.Pool.BusAddress(_buffer),
                });
        }
    }

    private bool TryReadPlace(long now) => _function.TryReadRegion(_place.Bar, _place.Offset, Options.BlockBytes, NvmeBlockDriver.ReaderContext, now);

    private bool TryReadStatus(long now) =>
        _function.TryReadRegion(bar: 0, NvmeRegister.Status, TlpWorkloadLimits.RegisterBytes, NvmeBlockDriver.ReaderContext, now);

    private void OnRegionRead(RegionReadStatus status, ReadOnlySpan<byte> data)
    {
        long endedAt = _sampler.Now();
        if (!_isUnderWay)
        {
            return;
        }

        _isUnderWay = false;
        bool isOfPlace = HasPlace && (_phase == Phase.Checking || Options.Pattern == WorkloadPattern.RegisterRead);
        if (status != RegionReadStatus.Success)
        {
            Fail(status.ToString());
        }
        else if (isOfPlace && !data.SequenceEqual(_data))
        {
            VerifyErrors++;
        }

        if (_phase == Phase.Checking)
        {
            Finish();
        }
        else if (status == RegionReadStatus.Success)
        {
            Record(endedAt - _startedAt, endedAt);
        }
    }

    private void Record(long nanoseconds, long now)
    {
        Tally.Record(nanoseconds, Options.BlockBytes, now);
        Volatile.Write(ref _completed, Tally.Commands);
    }

    private void Fail(string status)
    {
        Tally.RecordError(status);
        if (_phase == Phase.Checking)
        {
            Finish();
        }
    }

    private void Finish()
    {
        _phase = Phase.Finished;
        _isUnderWay = false;
        _driver.RegionReader = null;
        _sampler.OtherMessages = null;

        // A controller that was initialised anew has divided its memory anew.
        if (HasPlace && _driver.Counters.ControllerResets == _resetsBefore)
        {
            _driver.ReturnPlace(_placeIndex);
        }

        _done.TrySetResult();
    }

    private enum Phase : byte
    {
        Preparing,
        Measuring,

        /// <summary>What was written last is read back.</summary>
        Checking,

        Finished,
    }
}
