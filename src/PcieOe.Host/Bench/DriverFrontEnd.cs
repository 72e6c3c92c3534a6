using PcieOe.Host.FrontEnds;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.Bench;

/// <summary>The built-in driver as a client of an attachment, and at most one workload on it. On the worker's thread.</summary>
internal sealed class DriverFrontEnd : IFrontEnd, IBlockDriverClient
{
    private Workload? _workload;
    private long _allocatedBefore;

    internal DriverFrontEnd(IRemoteFunction function, NvmeDriverOptions options)
    {
        Driver = new NvmeBlockDriver(function, this, options);
    }

    internal NvmeBlockDriver Driver { get; }

    /// <summary>Bytes that this thread allocated from the last workload's start to its end.</summary>
    internal long AllocatedBytes { get; private set; }

    internal bool IsBusy => _workload is not null;

    public bool MustKeepLooking => false;

    public long NextDeadline => Math.Min(Driver.NextDeadline, _workload?.NextDeadline ?? long.MaxValue);

    internal void Start(long now) => Driver.Start(now);

    internal void Begin(Workload workload)
    {
        _workload = workload;
        _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
    }

    internal void End()
    {
        AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
        _workload = null;
    }

    public bool Poll(long now)
    {
        bool worked = _workload is not null && Driver.State != BlockDriverState.Gone && _workload.Poll(now);
        Driver.Pump(now);
        return worked;
    }

    public void OnCompleted(ulong context, NvmeStatus status, long now) => _workload?.OnCompleted((int)context, status, now);

    public void OnStateChanged(BlockDriverState state, long now)
    {
        if (state is BlockDriverState.Gone or BlockDriverState.Stopped)
        {
            _workload?.Abandon();
        }
    }

    public void Stop(long now) => Driver.BeginShutdown(now);

    public bool IsStopped => Driver.State is BlockDriverState.Stopped or BlockDriverState.Gone;

    public void Dispose() => Driver.Dispose();
}
