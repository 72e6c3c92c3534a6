namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// A fixed mapping: consecutive pages go to consecutive channels, then dies, then planes, then word line bits. New content of a page
/// goes where the old was, so that load spreads as the addresses do.
/// </summary>
public sealed class StripedMapping : IFlashMapping
{
    private readonly ulong _channels;
    private readonly ulong _diesPerChannel;
    private readonly ulong _planes;
    private readonly ulong _bits;

    public StripedMapping(FlashParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _channels = (ulong)parameters.Channels;
        _diesPerChannel = (ulong)parameters.DiesPerChannel;
        _planes = (ulong)parameters.PlanesPerDie;
        _bits = (ulong)parameters.BitsPerCell;
    }

    public FlashAddress Locate(long logicalPage)
    {
        (ulong rest, ulong channel) = Math.DivRem((ulong)logicalPage, _channels);
        (rest, ulong die) = Math.DivRem(rest, _diesPerChannel);
        (rest, ulong plane) = Math.DivRem(rest, _planes);
        return new FlashAddress((int)channel, (int)(channel * _diesPerChannel + die), (int)plane, (int)(rest % _bits));
    }

    public FlashAddress Place(long logicalPage) => Locate(logicalPage);
}
