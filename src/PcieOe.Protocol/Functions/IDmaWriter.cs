namespace PcieOe.Protocol.Functions;

/// <summary>
/// Room in outgoing frames, reserved as memory write requests (MWr): what is written to the spans leaves in the order of the calls.
/// A reservation stands as soon as it is made, and its whole span must be filled before the next call or the return from Materialize.
/// </summary>
public interface IDmaWriter
{
    /// <summary>
    /// Room for one memory write at <paramref name="address"/>. The span may be shorter than asked: cut at 4 KiB, at MPS, or to fill a
    /// frame; then it ends on a doubleword boundary. Empty: no room in this round, return <see cref="MaterializeResult.Partial"/>.
    /// </summary>
    Span<byte> Reserve(ulong address, int length);

    /// <summary>Whoever carries the data runs CRC-32C over it: <see cref="SetRegister"/> saves it that.</summary>
    bool WantsRegister => false;

    /// <summary>
    /// The CRC-32C register, started from 0, over all of the last reservation's span, for whoever knows it from copying
    /// (<see cref="Frames.CheckedCopy"/>). Nobody has to give it.
    /// </summary>
    void SetRegister(uint register)
    {
    }

    /// <summary>As <see cref="Reserve"/>, but whole or not at all: for completion entries and interrupts. At most 64 bytes, within 4 KiB.</summary>
    Span<byte> ReserveWhole(ulong address, int length);
}
