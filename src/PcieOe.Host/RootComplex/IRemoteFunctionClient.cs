namespace PcieOe.Host.RootComplex;

/// <summary>
/// What a remote function tells the one client that is attached to it: a front end or the built-in driver. All calls come on the worker's
/// thread, must not block, and must not attach or detach.
/// </summary>
public interface IRemoteFunctionClient
{
    /// <summary>Ends a read that <see cref="IRemoteFunction.TryReadRegion"/> accepted; exactly once for each.</summary>
    /// <param name="context">As the caller gave it.</param>
    /// <param name="data">As long as was asked for, whatever the status. Valid during the call only.</param>
    void OnRegionRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now);

    /// <summary>The function raised the MSI-X interrupt <paramref name="vector"/>. DMA writes that came before it are in memory.</summary>
    void OnInterrupt(int vector, long now);

    /// <summary><see cref="IRemoteFunction.State"/> changed.</summary>
    void OnStateChanged(RemoteFunctionState state, long now);

    /// <summary>
    /// The function goes on in a new session, its state lost: configuration has been replayed from the shadow, the rest stands as after a
    /// reset, and a fatal status says so. Called just before the state turns to <see cref="RemoteFunctionState.Up"/>.
    /// </summary>
    void OnReplaced(long now);

    /// <summary>Ends what <see cref="IRemoteFunction.StartReset"/> began; false when the function did not come back in time.</summary>
    void OnResetCompleted(bool succeeded, long now);
}
