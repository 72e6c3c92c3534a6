using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>What SMART / Health Information counts (NVMe 1.4, section 5.14.1.2). Kept over resets, not over restarts of the program.</summary>
internal sealed class HealthCounters
{
    private const long NanosecondsPerMinute = 60_000_000_000;
    private long _startNanoseconds = long.MinValue;

    public ulong BytesRead;
    public ulong BytesWritten;
    public ulong ReadCommands;
    public ulong WriteCommands;
    public ulong MediaErrors;
    public ulong UnsafeShutdowns;
    public ulong PowerCycles = 1;

    /// <summary>A drive at rest: there is no sensor.</summary>
    public const ushort TemperatureKelvin = 310;

    /// <summary>The function lost its power, as far as it has any.</summary>
    public void OnPowerCycle(bool wasShutDown)
    {
        PowerCycles++;
        UnsafeShutdowns += wasShutDown ? 0u : 1;
    }

    public ulong PowerOnHours(long now)
    {
        Start(now);
        return (ulong)((now - _startNanoseconds) / NanosecondsPerMinute / 60);
    }

    public void Start(long now)
    {
        if (_startNanoseconds == long.MinValue)
        {
            _startNanoseconds = now;
        }
    }

    /// <summary>A command of the NVM command set went well.</summary>
    public void Count(NvmOpcode opcode, long bytes)
    {
        switch (opcode)
        {
            case NvmOpcode.Read:
            case NvmOpcode.Compare:
                ReadCommands++;
                BytesRead += (ulong)bytes;
                break;
            case NvmOpcode.Write:
                WriteCommands++;
                BytesWritten += (ulong)bytes;
                break;
        }
    }

    /// <summary>In thousands of 512 bytes, rounded up.</summary>
    public static ulong DataUnits(ulong bytes) => (bytes + 511_999) / 512_000;
}
